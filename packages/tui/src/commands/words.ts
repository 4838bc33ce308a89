import { err, ok, type Result } from '@towline/core/result';
import type { Choice } from '@towline/core/rules';

/** TARGET on the command line: a server, or one container of it. */
export interface Target {
  server: string;
  container?: string;
}

/** `SERVER` or `SERVER/CONTAINER`. Errors: `usage`. */
export function parseTarget(word: string): Result<Target> {
  const [server = '', container, ...more] = word.split('/');
  if (server === '' || container === '' || more.length > 0) {
    return usage(`"${word}" is no target. Write SERVER or SERVER/CONTAINER, such as web or web/gateway.`);
  }
  return ok(container === undefined ? { server } : { server, container });
}

/** CHOICE: `tag:T`, `designated:T`, `latest` or `build`. Errors: `usage`. */
export function parseChoice(word: string): Result<Choice> {
  const [mode, ...rest] = word.split(':');
  const tag = rest.join(':');
  if (mode === 'tag' && rest.length > 0) return ok({ mode: 'image-tag', tag });
  if (mode === 'designated' && rest.length > 0) return ok({ mode: 'designated', tag });
  if (word === 'latest') return ok({ mode: 'latest' });
  if (word === 'build') return ok({ mode: 'build-deploy', confirmed: true });
  return usage(`"${word}" is no choice. Write tag:T, designated:T, latest or build, such as tag:1.2.0.`);
}

/** One `--set SERVER/CONTAINER=CHOICE`. Errors: `usage`. */
export function parseSetting(word: string): Result<{ server: string; container: string; choice: Choice }> {
  const at = word.indexOf('=');
  const target = parseTarget(at < 0 ? word : word.slice(0, at));
  if (!target.ok) return target;
  const { server, container } = target.value;
  if (at < 0 || container === undefined) {
    return usage(`"${word}" sets nothing. Write SERVER/CONTAINER=CHOICE, such as web/gateway=tag:1.2.0.`);
  }
  const choice = parseChoice(word.slice(at + 1));
  return choice.ok ? ok({ server, container, choice: choice.value }) : choice;
}

/** What `execute` is told to do with its targets. */
export interface ChoiceOptions {
  tag?: string | undefined;
  designated?: string | undefined;
  latest?: boolean | undefined;
  build?: boolean | undefined;
  confirm?: boolean | undefined;
}

/** The one choice of `execute`. Errors: `usage` where none or more than one is made. */
export function chosen({ tag, designated, latest, build, confirm = false }: ChoiceOptions): Result<Choice> {
  const choices: Choice[] = [];
  if (tag !== undefined) choices.push({ mode: 'image-tag', tag });
  if (designated !== undefined) choices.push({ mode: 'designated', tag: designated });
  if (latest) choices.push({ mode: 'latest' });
  if (build) choices.push({ mode: 'build-deploy', confirmed: confirm });
  const [choice, second] = choices;
  if (choice === undefined) {
    return usage('Say what to deploy: --tag T, --designated T, --latest, or --build --confirm.');
  }
  if (second !== undefined) {
    return usage('Give one of --tag, --designated, --latest and --build: an Execute has one choice.');
  }
  if (confirm && choice.mode !== 'build-deploy')
    return usage('--confirm confirms a --build; leave it out here.');
  return ok(choice);
}

function usage(message: string): Result<never> {
  return err({ code: 'usage', message });
}

/** What `--allow-auto-remove` does. */
export const AUTO_REMOVE_WORDS =
  'also containers created with --rm: stopping one deletes it, and it is restored by creating it again';
