// In the place of s3_http.c where weir was built without libcurl.
#include "os/s3/s3_int.h"

Status s3_http(const S3Exchange *exchange, S3Reply *reply, Error *err) {
    (void)exchange, (void)reply;
    (void)error_set(err, ST_UNSUPPORTED, "this weir was built without libcurl, which s3:// needs");
    error_hint(err, "apt install libcurl4-openssl-dev, and build again");
    return ST_UNSUPPORTED;
}
