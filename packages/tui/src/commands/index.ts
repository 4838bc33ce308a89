export { reportBug, runTowline } from './program.ts';
