/** What a registry asks for in `WWW-Authenticate`. */
export type Challenge =
  | { scheme: 'bearer'; realm: string; service: string | undefined; scope: string | undefined }
  | { scheme: 'basic' };

/** Reads a challenge; undefined where it asks for what is not known here. RFC 7235, and the registry's token protocol. */
export function parseChallenge(header: string): Challenge | undefined {
  const scheme = /^\s*(\w+)/.exec(header)?.[1]?.toLowerCase();
  if (scheme === 'basic') return { scheme };
  if (scheme !== 'bearer') return undefined;
  const parameters = new Map<string, string>();
  for (const match of header.matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/g)) {
    parameters.set((match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '');
  }
  const realm = parameters.get('realm');
  if (realm === undefined) return undefined;
  return { scheme, realm, service: parameters.get('service'), scope: parameters.get('scope') };
}

/** The address of the next page in a `Link` header, resolved against the page it came with; undefined on the last. */
export function nextPage(header: string | null, page: URL): URL | undefined {
  const target = header === null ? undefined : /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(header)?.[1];
  if (target === undefined) return undefined;
  const next = URL.parse(target, page.href);
  // Credentials go with the request, so it must not lead elsewhere.
  return next === null || next.origin !== page.origin ? undefined : next;
}
