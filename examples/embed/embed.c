// examples/embed/embed.c - weir inside another program. Build it against the installed library:
//     cc embed.c $(pkg-config --cflags --libs weir) -o embed
#include <stdio.h>
#include <weir.h>

int main(void) {
    printf("weir %s\n", weir_version());
    return 0;
}
