import { expect, test } from 'vitest';
import { DockerfileText } from './dockerfile.ts';

const TEXT = `# a comment
ARG BASE=busybox
FROM $BASE AS builder
WORKDIR /src
COPY . .
RUN make \\
    all
ENV A=1
RUN make check

FROM scratch
COPY --from=builder /src/out /out
`;
const dockerfile = new DockerfileText(TEXT);

test.each([
  ['[builder 1/5] FROM docker.io/library/busybox', 3, 'FROM $BASE AS builder'],
  ['[builder 4/5] RUN make     all', 6, 'RUN make \\'],
  ['[builder 5/5] RUN make check', 9, 'RUN make check'],
  ['[stage-1 1/1] COPY --from=builder /src/out /out', 12, 'COPY --from=builder /src/out /out'],
])('%s is found', (name, number, text) => {
  expect(dockerfile.lineOfVertex(name)).toEqual({ number, text });
});

test('what is no instruction has no line', () => {
  expect(dockerfile.lineOfVertex('[internal] load build context')).toBeUndefined();
  expect(dockerfile.lineOfVertex('exporting to image')).toBeUndefined();
});

test.each([
  ['dockerfile parse error line 5: unknown instruction: COPI', 5],
  ['failed to solve: dockerfile parse error on line 6: x', 6],
  ['Syntax error - can\'t find = in "A". Must be of the form: name=value', undefined],
])('%s', (message, number) => {
  expect(dockerfile.lineOfComplaint(message)?.number).toBe(number);
});

test('bases are what is not built here', () => {
  const text = 'FROM localhost:5000/a:1 AS x\nFROM x\nFROM scratch\nFROM b';
  expect(new DockerfileText(text).baseImages()).toEqual(['localhost:5000/a:1', 'b']);
});

test('a mount is seen', () => {
  expect(dockerfile.firstMount()).toBeUndefined();
  const text = 'FROM a\nRUN --network=none --mount=type=secret,id=t cat /run/secrets/t';
  expect(new DockerfileText(text).firstMount()?.number).toBe(2);
});
