export { COMPILERS, compileOnceBusy } from './compilers.ts';
export { SPARING_ENVIRONMENT } from './environment.ts';
