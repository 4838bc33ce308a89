/** What `NODE_OPTIONS` makes a program see a clock that is behind by so many milliseconds: Linux has but one for all of a machine. */
export function clockBehind(ms: number): NodeJS.ProcessEnv {
  const code = `
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) { given.length === 0 ? super(Real.now() - ${ms}) : super(...given); }
      static now() { return Real.now() - ${ms}; }
    };`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };
}
