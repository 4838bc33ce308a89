export {
  agentToldOfBuild,
  type EditBuildState,
  editBuildContext,
  editsDropped,
  fileTaken,
  mapReloaded,
  mapSaved,
  openEditBuild,
  pasteInEditBuild,
  pressInEditBuild,
  secretWritten,
  syncEditBuild,
} from './edit-build.ts';
export { viewEditBuild, viewStepPicker } from './view.ts';
