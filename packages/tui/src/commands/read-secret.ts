import { err, ok, type Result } from '@towline/core/result';
import type { Context } from './context.ts';
import { promptHidden } from './hidden-prompt.ts';

/** As the agent takes them. */
const MAX_CHARACTERS = 65_536;

/**
 * A secret's value: typed at a prompt that shows nothing, or all of stdin without the end of its last line. Never from
 * the words of the command, which any program of the machine can read. Errors: `no-value`, `value-too-long`.
 */
export async function readSecret(context: Context, name: string): Promise<Result<string>> {
  // A terminal would show what is typed, also where the prompt goes somewhere else.
  const value = context.stdin.isTTY
    ? ((await promptHidden(context.stdin, `Value of ${name} (it is not shown): `)) ?? '')
    : await readAll(context.stdin);
  if (value === '')
    return err({ code: 'no-value', message: `No value was given for ${name}. Nothing was done.` });
  if (value.length > MAX_CHARACTERS) {
    const message = `The value of ${name} is longer than ${MAX_CHARACTERS} characters. Nothing was done.`;
    return err({ code: 'value-too-long', message });
  }
  return ok(value);
}

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  let text = '';
  for await (const chunk of stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MAX_CHARACTERS + 2) break;
  }
  return text.replace(/\r?\n$/, '');
}
