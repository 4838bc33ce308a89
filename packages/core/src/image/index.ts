export * from './compare-tags.ts';
export * from './reference.ts';
