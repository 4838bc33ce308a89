import ssh2, { type ParsedKey } from 'ssh2';

/** A key in any form that ssh2 reads. It gives a list for the one format that may hold several, and then of one. */
export function parseOne(data: Buffer, passphrase?: string): ParsedKey | Error {
  const parsed: ParsedKey | Error | (ParsedKey | Error)[] = ssh2.utils.parseKey(data, passphrase);
  if (!Array.isArray(parsed)) return parsed;
  return parsed[0] ?? new Error('no key');
}
