import { parseReference, type Reference } from '@towline/core/image';

/**
 * What an image is called, from what a container was created with or from an image's list of names. Undefined for an
 * id: `sha256:…` would pass for a name with a tag.
 */
export function parseImageName(text: string): Reference | undefined {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) return undefined;
  const reference = parseReference(text);
  return reference.ok ? reference.value : undefined;
}
