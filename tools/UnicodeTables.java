// Writes src/base/unicode_tables.h: case pairs and character classes as this JDK knows them, because
// Flink's text functions are Java's. Run by hand with the JDK that Flink is measured on:
//     java tools/UnicodeTables.java > src/base/unicode_tables.h
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

public class UnicodeTables {
    // Runs of characters that map by the same distance, [step] apart.
    static void map(String name, IntUnaryOperator to) {
        System.out.printf("static const CaseRun %s[] = {\n", name);
        int start = -1, end = -1, delta = 0, step = 0;
        for (int c = 0x80; c <= 0x110000; c++) {
            int d = c == 0x110000 ? 0 : to.applyAsInt(c) - c;
            if (c < 0x110000 && d == 0) continue;
            if (start >= 0 && d == delta && (step == 0 ? c - end <= 2 : c - end == step)) {
                step = c - end;
                end = c;
                continue;
            }
            if (start >= 0) print("{0x%04X, 0x%04X, %d, %d}", start, end, delta, Math.max(step, 1));
            start = end = c;
            delta = d;
            step = 0;
        }
        close();
    }

    static void ranges(String name, int max, IntPredicate in) {
        System.out.printf("static const CodeRange %s[] = {\n", name);
        int start = -1;
        for (int c = 0x80; c <= max; c++) {
            boolean yes = c < max && in.test(c);
            if (yes && start < 0) start = c;
            if (!yes && start >= 0) {
                print("{0x%04X, 0x%04X}", start, c - 1);
                start = -1;
            }
        }
        close();
    }

    static void special() {
        System.out.println("static const SpecialUpper SPECIAL_UPPER[] = {");
        for (int c = 0x80; c < 0x110000; c++) {
            if (c >= 0xD800 && c < 0xE000) continue;
            String up = new String(Character.toChars(c)).toUpperCase(Locale.ROOT);
            if (up.codePointCount(0, up.length()) == 1) continue;
            List<String> codes = new ArrayList<>();
            up.codePoints().forEach(u -> codes.add(String.format("0x%04X", u)));
            print("{0x%04X, {%s}}", c, String.join(", ", codes));
        }
        close();
    }

    static StringBuilder line = new StringBuilder();

    static void print(String format, Object... args) {
        String item = String.format(format, args) + ",";
        if (line.length() + item.length() + 5 > 100) flush();
        line.append(line.length() == 0 ? "    " : " ").append(item);
    }

    static void flush() {
        if (line.length() > 0) System.out.println(line);
        line.setLength(0);
    }

    static void close() {
        flush();
        System.out.println("};");
    }

    public static void main(String[] args) {
        System.out.println("// base/unicode_tables.h - the tables of unicode.c, which declares their "
                + "types. Made by\n// tools/UnicodeTables.java; characters below 0x80 are not listed."
                + "\n#pragma once\n");
        map("TO_UPPER", Character::toUpperCase);
        map("TO_LOWER", Character::toLowerCase);
        special();
        ranges("LETTERS", 0x110000, Character::isLetter);
        ranges("DIGITS", 0x110000, Character::isDigit);
        ranges("CASED", 0x110000, c -> Character.isUpperCase(c) || Character.isLowerCase(c)
                || Character.isTitleCase(c));
        ranges("CASE_IGNORABLE", 0x110000, c -> {
            int t = Character.getType(c);
            return t == Character.NON_SPACING_MARK || t == Character.ENCLOSING_MARK
                    || t == Character.FORMAT || t == Character.MODIFIER_LETTER
                    || t == Character.MODIFIER_SYMBOL || c == 0xB7 || c == 0x2018 || c == 0x2019
                    || c == 0x2024 || c == 0x2027 || c == 0xFE13 || c == 0xFE52 || c == 0xFE55
                    || c == 0xFF07 || c == 0xFF0E || c == 0x387 || c == 0x55F || c == 0x5F4;
        });
    }
}
