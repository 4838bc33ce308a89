/** Where something is in the file, by keys and by places in lists. */
export type SourcePath = readonly PropertyKey[];

/** `services.shop.maps.demo.servers.web.containers[0].image`; a key with other characters is quoted in brackets. */
export function formatPath(path: SourcePath): string {
  return path
    .map((step, at) => {
      if (typeof step === 'number') return `[${step}]`;
      const key = String(step);
      if (/[\s.[\]"]/.test(key) || key === '') return `[${JSON.stringify(key)}]`;
      return at === 0 ? key : `.${key}`;
    })
    .join('');
}
