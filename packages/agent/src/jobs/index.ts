export { createJobService, type JobServiceOptions } from './create-job-service.ts';
export type { JobService } from './job-service.ts';
