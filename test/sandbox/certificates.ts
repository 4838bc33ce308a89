import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { findProgram, run } from './command.ts';

/** Paths of PEM files. */
export interface Issued {
  cert: string;
  key: string;
}

export interface Authority {
  /** The path of its own certificate. */
  cert: string;
  /** A certificate for host names and addresses (none for a client's). `days` below 0 is expired. */
  issue(name: string, names?: readonly string[], days?: number): Promise<Issued>;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate authority whose files are in `dir`, made with the openssl command. */
export async function certificateAuthority(dir: string, name = 'ca'): Promise<Authority> {
  if ((await findProgram('openssl')) === undefined) throw new Error('openssl is not here: install openssl.');
  const cert = join(dir, `${name}.pem`);
  const key = join(dir, `${name}.key`);
  await run('openssl', [
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    `/CN=${name}`,
    '-days',
    '30',
  ]);
  return {
    cert,
    async issue(leaf, names = [], days = 30) {
      const issued = { cert: join(dir, `${leaf}.pem`), key: join(dir, `${leaf}.key`) };
      const request = join(dir, `${leaf}.csr`);
      await run('openssl', ['req', ...KEY, '-keyout', issued.key, '-out', request, '-subj', `/CN=${leaf}`]);
      const extensions = join(dir, `${leaf}.ext`);
      const list = names.map((each) => `${isIP(each) === 0 ? 'DNS' : 'IP'}:${each}`).join(',');
      await writeFile(extensions, `basicConstraints=CA:FALSE\n${list && `subjectAltName=${list}\n`}`);
      // A number of its own: several are issued at once, and would share the file that openssl counts in.
      const serial = `0x1${randomBytes(8).toString('hex')}`;
      const by = ['-CA', cert, '-CAkey', key, '-set_serial', serial, '-days', String(days)];
      await run('openssl', [
        'x509',
        '-req',
        '-in',
        request,
        ...by,
        '-extfile',
        extensions,
        '-out',
        issued.cert,
      ]);
      return issued;
    },
  };
}
