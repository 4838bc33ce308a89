export { createPruneService, type PruneService } from './prune-service.ts';
