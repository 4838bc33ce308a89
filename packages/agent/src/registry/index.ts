export { createRegistry, type RegistryOptions } from './create-registry.ts';
export type { ImageDefaults, Manifest, Registry } from './registry.ts';
