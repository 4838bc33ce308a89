export {
  openVersions,
  pressInVersions,
  syncVersions,
  type VersionsState,
  versionsArrived,
  viewVersions,
} from './versions.ts';
