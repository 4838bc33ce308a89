import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isSecretName } from '@towline/core/build';
import { err, type Failure, ok, type Result } from '@towline/core/result';
import * as z from 'zod';
import { type OnProblem, openDocument, type StoredDocument } from '../../store/index.ts';
import { fileNameOf } from './file-name.ts';
import { patternsOf } from './masker.ts';

/** As much as BuildKit takes. */
const MAX_SECRET_BYTES = 500 * 1024;

export type SecretError = Failure<'bad-secret-name' | 'bad-secret-value' | 'no-such-secret'>;

/** What may be known of a secret. */
export interface SecretName {
  name: string;
  /** ISO 8601. */
  changedAt: string;
}

/**
 * The named secrets of each service on this agent. They can be written and removed, and only `use` reads them: it is
 * for what runs builds, and for nothing that answers to an operator.
 */
export interface SecretStore {
  /** Writes one, or another value over it. `masked` is false where it is too short to be hidden in output. */
  put(service: string, name: string, value: string): Promise<Result<{ masked: boolean }, SecretError>>;
  names(service: string): Promise<SecretName[]>;
  /** Whether it was there. */
  remove(service: string, name: string): Promise<boolean>;
  /** The values of some, by their names. Errors: `no-such-secret`, with the names that are not there. */
  use(service: string, names: readonly string[]): Promise<Result<Map<string, string>, SecretError>>;
}

const fileSchema = z.object({
  service: z.string(),
  secrets: z.record(z.string(), z.object({ value: z.string(), changedAt: z.string() })),
});
type SecretFile = z.infer<typeof fileSchema>;

/**
 * Opens the secrets in a folder (0700; a file of 0600 for each service, written whole and fsynced). A file that can't
 * be read is set aside and reported; its service has no secrets then.
 */
export async function openSecretStore(options: {
  dir: string;
  onProblem: OnProblem;
  now: () => Date;
}): Promise<SecretStore> {
  const { dir, onProblem, now } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // It may have been made by somebody with another mask.
  await chmod(dir, 0o700);
  const opened = new Map<string, Promise<StoredDocument<SecretFile>>>();

  function fileOf(service: string): Promise<StoredDocument<SecretFile>> {
    const known = opened.get(service);
    if (known !== undefined) return known;
    const path = join(dir, `${fileNameOf(service)}.json`);
    const initial = { service, secrets: {} };
    // A damaged file's own text is not for a log: the reason may quote it.
    const quiet = () =>
      onProblem(
        `The secrets of ${service} can't be read. ${path} is set aside under another name; put them again.`,
      );
    const document = openDocument({ path, schema: fileSchema, initial, onProblem: quiet, now });
    opened.set(service, document);
    document.catch(() => opened.delete(service));
    return document;
  }

  return {
    async put(service, name, value) {
      if (!isSecretName(name)) {
        return err({
          code: 'bad-secret-name',
          message: `“${name.slice(0, 100)}” can't be a secret's name. Use letters, digits, “_”, “.” and “-”, at most 100.`,
        });
      }
      const size = Buffer.byteLength(value);
      if (size === 0 || size > MAX_SECRET_BYTES) {
        const what = size === 0 ? 'is empty' : `has ${size} bytes`;
        return err({
          code: 'bad-secret-value',
          message: `The value of ${name} ${what}. Give one of 1 to ${MAX_SECRET_BYTES} bytes.`,
        });
      }
      const document = await fileOf(service);
      const changedAt = now().toISOString();
      await document.update((data) => {
        data.secrets = { ...data.secrets, [name]: { value, changedAt } };
      });
      return ok({ masked: patternsOf(value).length > 0 });
    },
    async names(service) {
      const { secrets } = (await fileOf(service)).data;
      return Object.entries(secrets)
        .map(([name, { changedAt }]) => ({ name, changedAt }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async remove(service, name) {
      const document = await fileOf(service);
      if (!Object.hasOwn(document.data.secrets, name)) return false;
      await document.update((data) => {
        const { [name]: _, ...rest } = data.secrets;
        data.secrets = rest;
      });
      return true;
    },
    async use(service, names) {
      const { secrets } = (await fileOf(service)).data;
      const found = new Map<string, string>();
      const missing: string[] = [];
      for (const name of new Set(names)) {
        const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
        if (secret === undefined) missing.push(name);
        else found.set(name, secret.value);
      }
      if (missing.length === 0) return ok(found);
      const [what, them] = missing.length === 1 ? ['secret', 'it'] : ['secrets', 'them'];
      return err({
        code: 'no-such-secret',
        message: `The agent has no ${what} ${missing.join(', ')} for ${service}. Put ${them} there first.`,
      });
    },
  };
}
