export { INITIAL_JOBS, type JobsState, jobsArrived, pressInJobs, viewJobs } from './jobs.ts';
