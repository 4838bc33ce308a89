export { PLAN_BUTTONS, type PlanState, pressInPlan, viewPlan } from './plan.ts';
