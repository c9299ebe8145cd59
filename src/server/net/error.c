// SPDX-License-Identifier: Apache-2.0
#include "server/net/error.h"

const char *error_type(enum err err)
{
    switch (err_http_status(err)) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 429:
        return "rate_limit_error";
    default:
        return err_http_status(err) < 500 ? "invalid_request_error" : "server_error";
    }
}

void error_put(struct json_out *j, enum err err, const char *message, const char *param)
{
    json_key(j, "error");
    json_obj(j);
    json_kstr(j, "message", str_of(message != nullptr ? message : err_text(err)));
    json_kstr(j, "type", str_of(error_type(err)));
    json_kstr(j, "code", str_of(err_code(err)));
    json_key(j, "param");
    if (param != nullptr && param[0] != '\0')
        json_put_str(j, str_of(param));
    else
        json_put_null(j);
    json_end(j);
}
