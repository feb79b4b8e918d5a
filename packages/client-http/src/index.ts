export { certificateSettings, readCertificates, type Certificates } from './certificates.ts'
export { basicAuthorization, headersOf, USER_AGENT } from './headers.ts'
export { http, type Http, type HttpAnswer, type HttpRequest } from './http.ts'
export { customHeaders, headerValue, isWeb, webAddress } from './settings.ts'
