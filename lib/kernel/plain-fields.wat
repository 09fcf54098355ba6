;; Looks at the fields of CSV records, and finds the columns whose texts are not all plainly written: the inner loop of
;; text/records/plain-fields.ts.
;;
;; From 0 on stands a byte for each column, the form of its texts: 0 any, 1 digits and signs, 2 these and points,
;; 3 the same with at most as many digits behind the point as the byte at 1024 and on says, 4 a timestamp, 5 a date.
;; It becomes 0 where a text is written otherwise. An empty text has every form. The text stands from 4096 on, and
;; begins with a record.
(module
  (memory (export "memory") 3 3)

  ;; Answers whether the text of $size bytes at $at is written in a form.
  (func $isPlain (param $form i32) (param $scale i32) (param $at i32) (param $size i32) (result i32)
    (local $text v128) (local $digits i32) (local $all i32) (local $points i32)
    (if (i32.eqz (local.get $size)) (then (return (i32.const 1))))
    (if (i32.gt_u (local.get $size) (i32.const 32)) (then (return (i32.const 0))))
    (local.set $text (v128.load (local.get $at)))
    (local.set $digits (i8x16.bitmask
      (i8x16.lt_u (i8x16.sub (local.get $text) (i8x16.splat (i32.const 48))) (i8x16.splat (i32.const 10)))))
    (if (i32.ge_u (local.get $form) (i32.const 4)) (then
      (return (call $isPlainTime (local.get $form) (local.get $at) (local.get $size) (local.get $text) (local.get $digits)))))
    (local.set $points (i8x16.bitmask (i8x16.eq (local.get $text) (i8x16.splat (i32.const 46)))))
    (local.set $all (i32.or (local.get $digits)
      (i8x16.bitmask (v128.or
        (i8x16.eq (local.get $text) (i8x16.splat (i32.const 43)))
        (i8x16.eq (local.get $text) (i8x16.splat (i32.const 45)))))))
    (if (i32.gt_u (local.get $form) (i32.const 1)) (then
      (local.set $all (i32.or (local.get $all) (local.get $points)))))
    (if (i32.le_u (local.get $size) (i32.const 16)) (then
      (local.set $points (i32.and (local.get $points)
        (i32.sub (i32.shl (i32.const 1) (local.get $size)) (i32.const 1))))
      (if (i32.and (i32.eq (local.get $form) (i32.const 3)) (i32.ne (local.get $points) (i32.const 0))) (then
        (if (i32.gt_s
            (i32.sub (i32.sub (local.get $size) (i32.const 1)) (i32.ctz (local.get $points)))
            (local.get $scale))
          (then (return (i32.const 0))))))
      (return (i32.eqz (i32.and (i32.xor (local.get $all) (i32.const -1))
        (i32.sub (i32.shl (i32.const 1) (local.get $size)) (i32.const 1)))))))
    ;; A decimal of so many digits is left to the query.
    (if (i32.eq (local.get $form) (i32.const 3)) (then (return (i32.const 0))))
    (if (i32.ne (i32.and (local.get $all) (i32.const 0xffff)) (i32.const 0xffff)) (then (return (i32.const 0))))
    (return (call $isPlain (local.get $form) (local.get $scale)
      (i32.add (local.get $at) (i32.const 16)) (i32.sub (local.get $size) (i32.const 16)))))

  ;; Answers whether a text is 2024-01-31, or for a timestamp also 2024-01-31 23:59:59 with up to six digits behind a point.
  (func $isPlainTime
    (param $form i32) (param $at i32) (param $size i32) (param $text v128) (param $digits i32) (result i32)
    (local $dashes i32) (local $separator i32)
    (if (i32.lt_u (local.get $size) (i32.const 10)) (then (return (i32.const 0))))
    (local.set $dashes (i8x16.bitmask (i8x16.eq (local.get $text) (i8x16.splat (i32.const 45)))))
    (if (i32.or
        (i32.ne (i32.and (local.get $digits) (i32.const 0x3ff)) (i32.const 0x36f))
        (i32.ne (i32.and (local.get $dashes) (i32.const 0x3ff)) (i32.const 0x90)))
      (then (return (i32.const 0))))
    (if (i32.eq (local.get $size) (i32.const 10)) (then (return (i32.const 1))))
    (if (i32.or (i32.eq (local.get $form) (i32.const 5)) (i32.lt_u (local.get $size) (i32.const 19)))
      (then (return (i32.const 0))))
    (local.set $separator (i32.load8_u offset=10 (local.get $at)))
    (if (i32.eqz (i32.or (i32.eq (local.get $separator) (i32.const 32)) (i32.eq (local.get $separator) (i32.const 84))))
      (then (return (i32.const 0))))
    (if (i32.or
        (i32.or
          (i32.ne (local.get $digits) (i32.const 0xdb6f))
          (i32.ne (i32.load8_u offset=13 (local.get $at)) (i32.const 58)))
        (i32.or
          (i32.ne (i32.load8_u offset=16 (local.get $at)) (i32.const 58))
          (i32.or
            (i32.ge_u (i32.sub (i32.load8_u offset=17 (local.get $at)) (i32.const 48)) (i32.const 10))
            (i32.ge_u (i32.sub (i32.load8_u offset=18 (local.get $at)) (i32.const 48)) (i32.const 10)))))
      (then (return (i32.const 0))))
    (if (i32.eq (local.get $size) (i32.const 19)) (then (return (i32.const 1))))
    (if (i32.or
        (i32.or (i32.lt_u (local.get $size) (i32.const 21)) (i32.gt_u (local.get $size) (i32.const 26)))
        (i32.ne (i32.load8_u offset=19 (local.get $at)) (i32.const 46)))
      (then (return (i32.const 0))))
    (local.set $digits (i8x16.bitmask (i8x16.lt_u
      (i8x16.sub (v128.load offset=20 (local.get $at)) (i8x16.splat (i32.const 48)))
      (i8x16.splat (i32.const 10)))))
    (return (i32.eqz (i32.and (i32.xor (local.get $digits) (i32.const -1))
      (i32.sub (i32.shl (i32.const 1) (i32.sub (local.get $size) (i32.const 20))) (i32.const 1))))))

  ;; Answers the offset after the last record end, or -1 where a quote stands elsewhere than around a field.
  (func (export "look")
    (param $length i32) (param $columns i32) (param $quote i32) (param $delimiter i32) (result i32)
    (local $at i32) (local $start i32) (local $column i32) (local $end i32) (local $isInside i32) (local $isQuoted i32)
    (local $bits i64) (local $here i32) (local $byte i32) (local $fieldEnd i32) (local $form i32)
    (local $newlines v128) (local $quotes v128) (local $delimiters v128)
    (local $v0 v128) (local $v1 v128) (local $v2 v128) (local $v3 v128)
    (local.set $newlines (i8x16.splat (i32.const 10)))
    (local.set $delimiters (i8x16.splat (local.get $delimiter)))
    (local.set $quotes (select (local.get $newlines) (i8x16.splat (local.get $quote))
      (i32.lt_s (local.get $quote) (i32.const 0))))
    (block $done
      (loop $nextBlock
        (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
        (local.set $v0 (v128.load offset=4096 (local.get $at)))
        (local.set $v1 (v128.load offset=4112 (local.get $at)))
        (local.set $v2 (v128.load offset=4128 (local.get $at)))
        (local.set $v3 (v128.load offset=4144 (local.get $at)))
        (local.set $bits (i64.or
          (i64.extend_i32_u (i32.or
            (i8x16.bitmask (v128.or (i8x16.eq (local.get $v0) (local.get $quotes))
              (v128.or (i8x16.eq (local.get $v0) (local.get $newlines)) (i8x16.eq (local.get $v0) (local.get $delimiters)))))
            (i32.shl (i8x16.bitmask (v128.or (i8x16.eq (local.get $v1) (local.get $quotes))
              (v128.or (i8x16.eq (local.get $v1) (local.get $newlines)) (i8x16.eq (local.get $v1) (local.get $delimiters)))))
              (i32.const 16))))
          (i64.shl (i64.extend_i32_u (i32.or
            (i8x16.bitmask (v128.or (i8x16.eq (local.get $v2) (local.get $quotes))
              (v128.or (i8x16.eq (local.get $v2) (local.get $newlines)) (i8x16.eq (local.get $v2) (local.get $delimiters)))))
            (i32.shl (i8x16.bitmask (v128.or (i8x16.eq (local.get $v3) (local.get $quotes))
              (v128.or (i8x16.eq (local.get $v3) (local.get $newlines)) (i8x16.eq (local.get $v3) (local.get $delimiters)))))
              (i32.const 16)))) (i64.const 32))))
        (if (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $length)) (then
          (local.set $bits (i64.and (local.get $bits) (i64.sub
            (i64.shl (i64.const 1) (i64.extend_i32_u (i32.sub (local.get $length) (local.get $at))))
            (i64.const 1))))))
        (block $blockDone
          (loop $nextBit
            (br_if $blockDone (i64.eqz (local.get $bits)))
            (local.set $here (i32.add (local.get $at) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
            (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
            (local.set $byte (i32.load8_u offset=4096 (local.get $here)))
            (if (i32.eq (local.get $byte) (local.get $quote)) (then
              (if (local.get $isInside) (then (local.set $isInside (i32.const 0)) (br $nextBit)))
              (if (i32.eqz (i32.or (i32.eq (local.get $here) (local.get $start))
                  (i32.and (local.get $isQuoted)
                    (i32.eq (i32.load8_u offset=4095 (local.get $here)) (local.get $quote)))))
                (then (return (i32.const -1))))
              (local.set $isQuoted (i32.const 1))
              (local.set $isInside (i32.const 1))
              (br $nextBit)))
            (br_if $nextBit (local.get $isInside))
            (local.set $fieldEnd (local.get $here))
            (if (i32.and (i32.eq (local.get $byte) (i32.const 10)) (i32.gt_u (local.get $here) (local.get $start))) (then
              (if (i32.eq (i32.load8_u offset=4095 (local.get $here)) (i32.const 13)) (then
                (local.set $fieldEnd (i32.sub (local.get $here) (i32.const 1)))))))
            (if (i32.and (local.get $isQuoted)
                (i32.ne (i32.load8_u offset=4095 (local.get $fieldEnd)) (local.get $quote)))
              (then (return (i32.const -1))))
            (if (i32.lt_u (local.get $column) (local.get $columns)) (then
              (local.set $form (i32.load8_u (local.get $column)))
              (if (local.get $form) (then
                (if (local.get $isQuoted)
                  (then (i32.store8 (local.get $column) (i32.const 0)))
                  (else
                    (if (i32.eqz (call $isPlain (local.get $form) (i32.load8_u offset=1024 (local.get $column))
                        (i32.add (local.get $start) (i32.const 4096)) (i32.sub (local.get $fieldEnd) (local.get $start))))
                      (then (i32.store8 (local.get $column) (i32.const 0))))))))))
            (local.set $start (i32.add (local.get $here) (i32.const 1)))
            (local.set $isQuoted (i32.const 0))
            (if (i32.eq (local.get $byte) (i32.const 10))
              (then (local.set $column (i32.const 0)) (local.set $end (local.get $start)))
              (else (local.set $column (i32.add (local.get $column) (i32.const 1)))))
            (br $nextBit)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $nextBlock)))
    (local.get $end)))
