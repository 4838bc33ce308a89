export { fileNameOf } from './file-name.ts';
export { createMasker, MASK, type Masker, MIN_SECRET_BYTES } from './masker.ts';
export { openSecretStore, type SecretName, type SecretStore } from './secret-store.ts';
