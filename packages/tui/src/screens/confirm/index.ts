export { type ConfirmState, confirmButtons, pressInConfirm, viewConfirm } from './confirm.ts';
