// In the place of http.c where weir was built without libcurl.
#include "os/http.h"

Status http_exchange(const HttpExchange *exchange, HttpReply *reply, Error *err) {
    (void)exchange, (void)reply;
    (void)error_set(err, ST_UNSUPPORTED,
                    "this weir was built without libcurl, which HTTP and s3:// need");
    error_hint(err, "apt install libcurl4-openssl-dev, and build again");
    return ST_UNSUPPORTED;
}
