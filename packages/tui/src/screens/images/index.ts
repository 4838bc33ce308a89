export {
  commitsArrived,
  type ImagesState,
  imagesArrived,
  openImages,
  pressInImages,
  syncImages,
  viewImages,
} from './images.ts';
