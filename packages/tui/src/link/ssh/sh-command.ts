/**
 * A command that has a POSIX shell run a script, whatever the shell is that takes the command: a user's own may be fish or csh, which
 * read their quotes otherwise. csh ends a quoted word at the line's end, and goes on with the rest as commands of its own; fish lets
 * a backslash quote a quote. So the script is one quoted word with none of these in it, as printf(1) has them for `%b`.
 */
export function shCommand(script: string): string {
  const word = script.replace(
    /[\n\r\\'!]/g,
    (found) => `\\0${found.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `sh -c 'eval "$(printf %b "$1")"' sh '${word}'`;
}
