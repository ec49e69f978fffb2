// Writes src/func/regexp_blocks.h: the Unicode blocks that \p{InGreek} of java.util.regex names, for
// the translator in src/func/regexp_java.c. Run by hand:
//     java tools/UnicodeBlocks.java > src/func/regexp_blocks.h
import java.util.Map;
import java.util.TreeMap;

public class UnicodeBlocks {
    public static void main(String[] args) {
        Map<String, int[]> blocks = new TreeMap<>();
        for (int c = 0; c < 0x110000; c++) {
            Character.UnicodeBlock block = Character.UnicodeBlock.of(c);
            if (block == null) continue;
            String name = block.toString().replace("_", "");
            int[] range = blocks.computeIfAbsent(name, k -> new int[] {Integer.MAX_VALUE, 0});
            range[0] = Math.min(range[0], c);
            range[1] = Math.max(range[1], c);
        }
        System.out.println("// func/regexp_blocks.h - Unicode blocks by name, without blanks, '_' and "
                + "'-'. Made by\n// tools/UnicodeBlocks.java.\n#pragma once\n");
        System.out.println("static const struct {\n    const char *name;\n    uint32_t first, last;");
        System.out.println("} BLOCKS[] = {");
        blocks.forEach((name, range) -> System.out.printf("    {\"%s\", 0x%04X, 0x%04X},\n", name,
                range[0], range[1]));
        System.out.println("};");
    }
}
