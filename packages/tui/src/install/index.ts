export { type AgentWatch, activeWork, hasTold, isAnother, watchAgent } from './agent-watch.ts';
export { type Cargo, loadCargo } from './cargo.ts';
export { type Machine, machineQuestion, readMachine } from './machine.ts';
export { perform, type Span, type StepFailure } from './perform.ts';
export { type InstallPlan, planInstall } from './plan-install.ts';
export { planUninstall } from './plan-uninstall.ts';
export { type Step, scriptOf } from './step.ts';
export { launcherText } from './unit.ts';
