export { EXECUTE_BUTTONS, type ExecuteState, pressInExecute, viewExecute } from './execute.ts';
