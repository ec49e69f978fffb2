// Clauses that are parsed and not planned yet: each says so by name, with its place.
#include "plan/bind.h"

static Status not_yet(Place place, const char *what, Error *err) {
    return error_at(err, ST_UNSUPPORTED, place, "%s is not supported yet", what);
}

Status bind_match(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope, Error *err) {
    (void)binder, (void)plan, (void)scope;
    return not_yet(from->span.place, "MATCH_RECOGNIZE", err);
}

Status bind_user_function(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    (void)binder, (void)ast, (void)out, (void)err;
    return ST_END;
}
