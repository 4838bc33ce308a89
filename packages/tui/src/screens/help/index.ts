export { type HelpState, pressInHelp, viewHelp } from './help.ts';
