/** The flags of the HTTP listener, with the form of each value. */
export const HTTP_FLAGS = {
  http: '<host:port>',
  http_token: '<file>',
  http_tls_cert: '<file>',
  http_tls_key: '<file>',
  http_behind_proxy: '',
  http_hosts: '<list>',
  http_cors: '<list>',
  http_folders: '<list>',
  http_upload_gb: '<GB>',
} as const
