export { BUILD_LABEL, type CommandRequest, type CommandSecret, OWNER_LABEL } from './builder-container.ts';
export {
  type CommandEngines,
  type CommandFailureCode,
  type CommandListener,
  removeBuilderContainers,
  runCommand,
} from './run-command.ts';
