// Functions that the user registered: none yet.
#include "plan/bind.h"

Status bind_user_function(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    (void)binder, (void)ast, (void)out, (void)err;
    return ST_END;
}
