export { bundleProgram } from './bundle-program.ts';
export {
  type Cell,
  type Exit,
  type Modes,
  openTerminal,
  type Terminal,
  type TerminalOptions,
  type WaitOptions,
} from './terminal.ts';
