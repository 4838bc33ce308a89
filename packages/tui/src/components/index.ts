export { type Column, fitColumns } from './columns.ts';
export { buttons, type Dialog, dialogRoom, dialogRows, drawDialog } from './dialog.ts';
export {
  breakColumns,
  padEnd,
  padStart,
  takeColumns,
  truncateEnd,
  truncateMiddle,
  truncatePath,
  wrapText,
} from './fit-text.ts';
export {
  BLANK,
  fitLine,
  type Line,
  line,
  lineText,
  lineWidth,
  type Span,
  sameLine,
  select,
  span,
  spread,
  type Tone,
} from './line.ts';
export { type Colour, type Look, PLAIN_LOOK } from './look.ts';
export { type Paint, type PaintedText, paintLine } from './painted.ts';
export { age, bytes, clockDifference, dateTime, duration } from './quantity.ts';
export { sanitizeLine, sanitizeText } from './sanitize.ts';
export {
  areaText,
  reduceTextArea,
  type TextArea,
  type TextAreaAction,
  textArea,
  visibleArea,
} from './text-area.ts';
export {
  maskedField,
  reduceTextField,
  selectedField,
  type TextField,
  type TextFieldAction,
  textField,
  visibleField,
} from './text-field.ts';
export { graphemes, textWidth } from './text-width.ts';
export { clampCursor, scrollTo } from './window.ts';
