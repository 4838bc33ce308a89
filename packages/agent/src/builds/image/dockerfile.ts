import { type Dockerfile, DockerfileParser, type Instruction } from 'dockerfile-ast';

/** A line of a Dockerfile, counted from 1. */
export interface DockerfileLine {
  number: number;
  text: string;
}

/** A Dockerfile's text, as far as one looks into it: which line an error is on, and what is built on. */
export class DockerfileText {
  readonly #lines: readonly string[];
  readonly #parsed: Dockerfile;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
    this.#parsed = DockerfileParser.parse(text);
  }

  line(number: number): DockerfileLine | undefined {
    const text = this.#lines[number - 1];
    return text === undefined ? undefined : { number, text: text.trim() };
  }

  /** The line that the builder's complaint is about, where it names one: `dockerfile parse error line 3: …`. */
  lineOfComplaint(message: string): DockerfileLine | undefined {
    const found = /(?:parse error (?:on )?line|Syntax error - .*? line|\bline) (\d+)\b/i.exec(message);
    if (found?.[1] !== undefined) return this.line(Number(found[1]));
    // `unknown instruction: FROMM` in the old builder's words.
    const word = /unknown instruction: (\S+)/i.exec(message)?.[1];
    const at =
      word === undefined
        ? -1
        : this.#lines.findIndex((line) => line.trim().toUpperCase().startsWith(word.toUpperCase()));
    return this.line(at + 1);
  }

  /**
   * The line of a sub-step by BuildKit's name for it, `[stage 2/3] RUN make`: it counts what makes a layer, and
   * FROM where that is an image. The keyword must be the same there; where it is not, because an ONBUILD of the base put steps in between, the
   * instruction is found by its text.
   */
  lineOfVertex(name: string): DockerfileLine | undefined {
    const found = /^\[(?:(\S+) +)?(\d+)\/\d+\] (\S+)([\s\S]*)$/.exec(name);
    if (found === null) return this.#lineOfMetadata(name);
    const [, stage, count = '', keyword = '', rest = ''] = found;
    const counted = this.#stages()
      .filter(({ names }) => stage === undefined || names.includes(stage))
      .map(({ layers }) => layers[Number(count) - 1])
      .find((instruction) => instruction?.getKeyword() === keyword);
    const byText = this.#parsed
      .getInstructions()
      .find((instruction) => squeezed(this.#textOf(instruction)) === squeezed(keyword + rest));
    return this.#lineOf(byText ?? counted);
  }

  /** The line of the classic builder's n-th step, from 1: it counts every instruction. */
  lineOfStep(step: number): DockerfileLine | undefined {
    return this.#lineOf(this.#parsed.getInstructions()[step - 1]);
  }

  /** What it is built from, as it is written; stages and `scratch` are not among them. */
  baseImages(): string[] {
    const images = this.#parsed.getFROMs().map((from) => from.getImage() ?? '');
    return [...new Set(images.filter((image, at) => this.#isImage(image, at)))];
  }

  /** The first instruction that mounts a secret or an SSH agent, which the classic builder can't. */
  firstMount(): DockerfileLine | undefined {
    const mounting = this.#parsed
      .getInstructions()
      .find((instruction) => /^RUN\s+(--\S+\s+)*--mount=/i.test(squeezed(this.#textOf(instruction))));
    return this.#lineOf(mounting);
  }

  #stages(): { names: string[]; layers: Instruction[] }[] {
    const stages: { names: string[]; layers: Instruction[] }[] = [];
    for (const instruction of this.#parsed.getInstructions()) {
      const keyword = instruction.getKeyword();
      if (keyword === 'FROM') {
        const from = this.#parsed.getFROMs()[stages.length];
        const name = from?.getBuildStage();
        const counted = this.#isImage(from?.getImage(), stages.length);
        stages.push({
          // Without a name BuildKit calls it by its number.
          names: [`stage-${stages.length}`, ...(name ? [name] : [])],
          layers: counted ? [instruction] : [],
        });
      } else if (['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(keyword)) {
        stages.at(-1)?.layers.push(instruction);
      }
    }
    return stages;
  }

  #lineOfMetadata(name: string): DockerfileLine | undefined {
    const image = /^\[internal\] load metadata for (\S+)$/.exec(name)?.[1];
    const from = this.#parsed.getFROMs().find((one) => {
      const written = one.getImage();
      // BuildKit writes the name in full.
      return written !== null && image !== undefined && `${image}:latest`.includes(written);
    });
    return this.#lineOf(from);
  }

  /** Whether the n-th FROM, from 0, is of an image: not of nothing, and not of a stage before it. */
  #isImage(image: string | null | undefined, at: number): boolean {
    if (!image || image === 'scratch') return false;
    const before = this.#parsed.getFROMs().slice(0, at);
    return before.every((from) => from.getBuildStage()?.toLowerCase() !== image.toLowerCase());
  }

  #textOf(instruction: Instruction): string {
    const { start, end } = instruction.getRange();
    return this.#lines.slice(start.line, end.line + 1).join('\n');
  }

  #lineOf(instruction: Instruction | undefined): DockerfileLine | undefined {
    return instruction === undefined ? undefined : this.line(instruction.getRange().start.line + 1);
  }
}

function squeezed(text: string): string {
  return text
    .replace(/\\\r?\n/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
