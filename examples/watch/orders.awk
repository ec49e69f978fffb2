# Orders of each minute, made up: metric,ts,value for [days] days from day [from] on. A day has its shape, a
# weekend is quieter; from minute [trouble] of the first day on three quarters are missing, for half an hour.
BEGIN {
    srand(2025 + from)
    start = 1759104000 # Monday, 2025-09-29 00:00 UTC
    for (i = from * 1440; i < (from + days) * 1440; i++) {
        day = i % 1440 / 1440
        weekend = int(i / 1440) % 7 > 4
        mean = (60 + 160 * (0.5 - 0.5 * cos(6.28318 * (day - 0.1)))) * (weekend ? 0.7 : 1)
        noise = 0
        for (k = 0; k < 12; k++) noise += rand()
        value = mean + sqrt(mean) * (noise - 6)
        minute = i - from * 1440
        if (trouble && minute >= trouble && minute < trouble + 30) value *= 0.25
        printf "orders,%d,%d\n", start + i * 60, value < 0 ? 0 : value
    }
}
