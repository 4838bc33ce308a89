export { readCertificate, whyNotItsKey } from './certificate.ts';
