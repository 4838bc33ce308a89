import type { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { err, ok, type Result } from '@towline/core/result';
import { readCertificate, whyNotItsKey } from '../certificate/index.ts';
import { words } from '../store/index.ts';
import type { TlsFiles } from './listen-words.ts';

/** What a server's TLS is made with, read and checked. */
export interface TlsMaterial {
  options: SecureContextOptions;
  /** The certificate as a map file pins it: `sha256:` and 64 hexadecimal digits. */
  pin: string;
  /** What a person should know of it although it can be used, in sentences. */
  warnings: string[];
}

interface Pem {
  cert: string;
  key: string;
  clientCa?: string;
}

/** Reads and checks them. Errors: `tls-files`, which names the option and the file. */
export async function readTlsFiles(files: TlsFiles, now: Date): Promise<Result<TlsMaterial>> {
  const pem: Pem = { cert: '', key: '' };
  for (const what of ['cert', 'key', 'clientCa'] as const) {
    const path = files[what];
    if (path === undefined) continue;
    try {
      pem[what] = await readFile(path, 'utf8');
    } catch (error) {
      return unusable(files, what, `it can't be read: ${words(error)}`);
    }
  }
  const material = checkTls(pem, files, now);
  if (!material.ok) return material;
  const { mode } = await stat(files.key);
  if ((mode & 0o077) !== 0) {
    material.value.warnings.push(`Others can read the key ${files.key}: chmod 600 it.`);
  }
  return material;
}

/** What the texts of the files come to. A certificate out of its time is used all the same, and said: it may be renewed. */
export function checkTls(pem: Pem, files: TlsFiles, now: Date): Result<TlsMaterial> {
  const certificate = readCertificate(pem.cert);
  if (!certificate.ok) return unusable(files, 'cert', certificate.error.message);
  const against = whyNotItsKey(certificate.value, files.cert, pem.key);
  if (against !== undefined) return unusable(files, 'key', against);
  const clientCa = pem.clientCa === undefined ? ok(undefined) : readCertificate(pem.clientCa);
  if (!clientCa.ok) return unusable(files, 'clientCa', clientCa.error.message);
  const options: SecureContextOptions = {
    cert: pem.cert,
    key: pem.key,
    ...(pem.clientCa !== undefined && { ca: pem.clientCa }),
    minVersion: 'TLSv1.2',
  };
  try {
    createSecureContext(options);
  } catch (error) {
    return unusable(files, 'cert', `TLS does not take it: ${words(error)}`);
  }
  return ok({
    options,
    pin: `sha256:${certificate.value.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    warnings: whenGood(certificate.value, files, now),
  });
}

function whenGood({ validFrom, validTo }: X509Certificate, { cert }: TlsFiles, now: Date): string[] {
  if (new Date(validTo) <= now) {
    return [
      `The certificate ${cert} expired on ${validTo}, and nobody connects with it: put a new one there.`,
    ];
  }
  return new Date(validFrom) > now
    ? [`The certificate ${cert} is not good before ${validFrom}: nobody connects with it until then.`]
    : [];
}

const OPTIONS = { cert: '--tls-cert', key: '--tls-key', clientCa: '--tls-client-ca' } as const;

function unusable(files: TlsFiles, what: keyof Pem, why: string) {
  return err({ code: 'tls-files', message: `${OPTIONS[what]} ${files[what]} can't be used: ${why}.` });
}
