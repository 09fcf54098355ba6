;; Finds record ends in CSV text, 64 bytes at a time: the inner loop of text/records/kernel.ts.
;;
;; The text stands in memory from 64 on. The two bytes before it are those that precede it (newlines at a record's
;; beginning), and the one after it is the next one; after the text's end stand delimiters up to a multiple of 64.
;; i32 at 0 and 4 go in and out: whether the text so far ends inside quotes (0 or -1), and the newlines since the
;; last record end. i32 at 8 to 24 come out: the offset after the last record end in this text (0: none), and up to
;; there physical lines, record ends, those of them that are CRLF, and those that end a blank line.
;;
;; A bit of an i64 stands for each byte, the lowest for the first. A quote opens or closes by turns, which is right as
;; long as opening ones stand where a field begins and closing ones where one ends; else the loop stops.
(module
  (memory (export "memory") 3 3)

  ;; Answers the length, or the offset of the block in which something is odd and of which nothing is counted.
  (func (export "scan") (param $length i32) (param $quote i32) (param $delimiter i32) (result i32)
    (local $at i32) (local $end i32) (local $lines i32) (local $linesAtEnd i32)
    (local $ends i32) (local $crlf i32) (local $blank i32) (local $before i32) (local $after i32)
    (local $inside i64) (local $quotesMask i64)
    (local $n i64) (local $q i64) (local $r i64) (local $fieldEnds i64) (local $quoted i64) (local $ended i64)
    (local $v0 v128) (local $v1 v128) (local $v2 v128) (local $v3 v128)
    (local $newlines v128) (local $returns v128) (local $quotes v128) (local $delimiters v128)

    (local.set $inside (i64.load32_s (i32.const 0)))
    (local.set $lines (i32.load (i32.const 4)))
    (local.set $quotesMask (i64.extend_i32_s (i32.sub (i32.const 0) (i32.ge_s (local.get $quote) (i32.const 0)))))
    (local.set $newlines (i8x16.splat (i32.const 10)))
    (local.set $returns (i8x16.splat (i32.const 13)))
    (local.set $quotes (i8x16.splat (local.get $quote)))
    (local.set $delimiters (i8x16.splat (local.get $delimiter)))

    (block $odd
      (block $done
        (loop $next
          (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
          (local.set $v0 (v128.load offset=64 (local.get $at)))
          (local.set $v1 (v128.load offset=80 (local.get $at)))
          (local.set $v2 (v128.load offset=96 (local.get $at)))
          (local.set $v3 (v128.load offset=112 (local.get $at)))
          (local.set $before (i32.load8_u offset=63 (local.get $at)))
          (local.set $after (i32.load8_u offset=128 (local.get $at)))

          (local.set $n (i64.or
            (i64.extend_i32_u (i32.or
              (i8x16.bitmask (i8x16.eq (local.get $v0) (local.get $newlines)))
              (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v1) (local.get $newlines))) (i32.const 16))))
            (i64.shl (i64.extend_i32_u (i32.or
              (i8x16.bitmask (i8x16.eq (local.get $v2) (local.get $newlines)))
              (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v3) (local.get $newlines))) (i32.const 16)))) (i64.const 32))))
          (local.set $q (i64.and (local.get $quotesMask) (i64.or
            (i64.extend_i32_u (i32.or
              (i8x16.bitmask (i8x16.eq (local.get $v0) (local.get $quotes)))
              (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v1) (local.get $quotes))) (i32.const 16))))
            (i64.shl (i64.extend_i32_u (i32.or
              (i8x16.bitmask (i8x16.eq (local.get $v2) (local.get $quotes)))
              (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v3) (local.get $quotes))) (i32.const 16)))) (i64.const 32)))))
          (local.set $r (i64.const 0))
          (if (v128.any_true (v128.or
              (v128.or (i8x16.eq (local.get $v0) (local.get $returns)) (i8x16.eq (local.get $v1) (local.get $returns)))
              (v128.or (i8x16.eq (local.get $v2) (local.get $returns)) (i8x16.eq (local.get $v3) (local.get $returns)))))
            (then
              (local.set $r (i64.or
                (i64.extend_i32_u (i32.or
                  (i8x16.bitmask (i8x16.eq (local.get $v0) (local.get $returns)))
                  (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v1) (local.get $returns))) (i32.const 16))))
                (i64.shl (i64.extend_i32_u (i32.or
                  (i8x16.bitmask (i8x16.eq (local.get $v2) (local.get $returns)))
                  (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v3) (local.get $returns))) (i32.const 16)))) (i64.const 32))))))

          ;; Bytes from an opening quote up to before the closing one.
          (local.set $quoted (local.get $inside))
          (if (i64.ne (local.get $q) (i64.const 0))
            (then
              (local.set $quoted (local.get $q))
              (local.set $quoted (i64.xor (local.get $quoted) (i64.shl (local.get $quoted) (i64.const 1))))
              (local.set $quoted (i64.xor (local.get $quoted) (i64.shl (local.get $quoted) (i64.const 2))))
              (local.set $quoted (i64.xor (local.get $quoted) (i64.shl (local.get $quoted) (i64.const 4))))
              (local.set $quoted (i64.xor (local.get $quoted) (i64.shl (local.get $quoted) (i64.const 8))))
              (local.set $quoted (i64.xor (local.get $quoted) (i64.shl (local.get $quoted) (i64.const 16))))
              (local.set $quoted (i64.xor (local.get $quoted) (i64.shl (local.get $quoted) (i64.const 32))))
              (local.set $quoted (i64.xor (local.get $quoted) (local.get $inside)))
              (local.set $fieldEnds (i64.or
                (i64.or (local.get $n) (local.get $q))
                (i64.or
                  (i64.extend_i32_u (i32.or
                    (i8x16.bitmask (i8x16.eq (local.get $v0) (local.get $delimiters)))
                    (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v1) (local.get $delimiters))) (i32.const 16))))
                  (i64.shl (i64.extend_i32_u (i32.or
                    (i8x16.bitmask (i8x16.eq (local.get $v2) (local.get $delimiters)))
                    (i32.shl (i8x16.bitmask (i8x16.eq (local.get $v3) (local.get $delimiters))) (i32.const 16)))) (i64.const 32)))))
              (br_if $odd (i32.eqz (i64.eqz (i64.or
                ;; Opens after something else than a delimiter, a newline or a closing quote.
                (i64.and (i64.and (local.get $q) (local.get $quoted))
                  (i64.xor (i64.const -1) (i64.or
                    (i64.shl (local.get $fieldEnds) (i64.const 1))
                    (i64.extend_i32_u (i32.or (i32.eq (local.get $before) (local.get $delimiter))
                      (i32.or (i32.eq (local.get $before) (i32.const 10))
                        (i32.eq (local.get $before) (local.get $quote))))))))
                ;; Closes before something else than a delimiter, a newline or an opening quote.
                (i64.and (i64.and (local.get $q) (i64.xor (local.get $quoted) (i64.const -1)))
                  (i64.xor (i64.const -1) (i64.or
                    (i64.shr_u (i64.or (local.get $fieldEnds) (local.get $r)) (i64.const 1))
                    (i64.shl
                      (i64.extend_i32_u (i32.or
                        (i32.or (i32.eq (local.get $after) (local.get $delimiter))
                          (i32.eq (local.get $after) (local.get $quote)))
                        (i32.or (i32.eq (local.get $after) (i32.const 10))
                          (i32.eq (local.get $after) (i32.const 13)))))
                      (i64.const 63)))))))))
              (local.set $inside (i64.shr_s (local.get $quoted) (i64.const 63)))))

          ;; Newlines outside quotes.
          (local.set $ended (i64.and (local.get $n) (i64.xor (local.get $quoted) (i64.const -1))))
          (if (i32.or (i64.ne (local.get $r) (i64.const 0)) (i32.eq (local.get $before) (i32.const 13)))
            (then
              ;; A carriage return outside quotes that no newline follows.
              (br_if $odd (i32.eqz (i64.eqz (i64.and
                (i64.and (local.get $r) (i64.xor (local.get $quoted) (i64.const -1)))
                (i64.xor (i64.const -1) (i64.or
                  (i64.shr_u (local.get $n) (i64.const 1))
                  (i64.shl (i64.extend_i32_u (i32.eq (local.get $after) (i32.const 10))) (i64.const 63))))))))
              ;; From here on the newlines that end in CRLF.
              (local.set $r (i64.and (local.get $ended) (i64.or
                (i64.shl (local.get $r) (i64.const 1))
                (i64.extend_i32_u (i32.eq (local.get $before) (i32.const 13))))))
              (local.set $crlf (i32.add (local.get $crlf) (i32.wrap_i64 (i64.popcnt (local.get $r)))))
              (local.set $blank (i32.add (local.get $blank) (i32.wrap_i64 (i64.popcnt (i64.and (local.get $r)
                (i64.or (i64.shl (local.get $n) (i64.const 2))
                  (i64.extend_i32_u (i32.or
                    (i32.shl (i32.eq (local.get $before) (i32.const 10)) (i32.const 1))
                    (i32.eq (i32.load8_u offset=62 (local.get $at)) (i32.const 10)))))))))))) 
          (if (i64.ne (local.get $ended) (i64.const 0))
            (then
              (local.set $end (i32.sub (i32.add (local.get $at) (i32.const 64))
                (i32.wrap_i64 (i64.clz (local.get $ended)))))
              (local.set $linesAtEnd (i32.add (local.get $lines) (i32.wrap_i64 (i64.popcnt (i64.and (local.get $n)
                (i64.shr_u (i64.const -1) (i64.clz (local.get $ended))))))))
              (local.set $ends (i32.add (local.get $ends) (i32.wrap_i64 (i64.popcnt (local.get $ended)))))
              (local.set $blank (i32.add (local.get $blank) (i32.wrap_i64 (i64.popcnt (i64.and (local.get $ended)
                (i64.or (i64.shl (local.get $n) (i64.const 1))
                  (i64.extend_i32_u (i32.eq (local.get $before) (i32.const 10)))))))))))
          (local.set $lines (i32.add (local.get $lines) (i32.wrap_i64 (i64.popcnt (local.get $n)))))
          (local.set $at (i32.add (local.get $at) (i32.const 64)))
          (br $next)))
      (local.set $at (local.get $length)))

    (i32.store (i32.const 0) (i32.wrap_i64 (local.get $inside)))
    (i32.store (i32.const 4) (i32.sub (local.get $lines) (local.get $linesAtEnd)))
    (i32.store (i32.const 8) (local.get $end))
    (i32.store (i32.const 12) (local.get $linesAtEnd))
    (i32.store (i32.const 16) (local.get $ends))
    (i32.store (i32.const 20) (local.get $crlf))
    (i32.store (i32.const 24) (local.get $blank))
    (local.get $at)))
