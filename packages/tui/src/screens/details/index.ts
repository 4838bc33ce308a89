export { type DetailsState, pressInDetails, viewDetails } from './details.ts';
