import { createPrivateKey, X509Certificate } from 'node:crypto';
import { err, ok, type Result } from '@towline/core/result';

/** The first certificate of a text. Errors: `no-certificate`. */
export function readCertificate(pem: string): Result<X509Certificate> {
  try {
    return ok(new X509Certificate(pem));
  } catch {
    return err({ code: 'no-certificate', message: 'it is no certificate in PEM' });
  }
}

/**
 * Undefined where a key is that of a certificate, else the end of a sentence about the key's file; `where` is that of the
 * certificate.
 */
export function whyNotItsKey(certificate: X509Certificate, where: string, key: string): string | undefined {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
      ? undefined
      : `it is not the key of the certificate ${where}`;
  } catch (error) {
    const locked = error instanceof Error && 'code' in error && error.code === 'ERR_MISSING_PASSPHRASE';
    return locked ? 'it has a passphrase, and nobody to give it' : 'it is no key in PEM';
  }
}
