export { type DashboardOptions, openDashboard } from './open-dashboard.ts';
