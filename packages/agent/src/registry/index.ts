export { createRegistry, type RegistryOptions } from './create-registry.ts';
export type { Manifest, Registry } from './registry.ts';
