using Oath.Lanes;

namespace Oath.Tests;

public sealed class ValueTests
{
    [Fact]
    public void Values_are_those_of_the_framework_for_every_secret_length_algorithm_and_lane_width()
    {
        var random = new Random(TestSeed.Value);
        foreach (OathAlgorithm algorithm in Enum.GetValues<OathAlgorithm>())
        {
            for (int length = 1; length <= 200; length++)
            {
                byte[] secret = new byte[length];
                random.NextBytes(secret);
                ulong counter = unchecked((ulong)random.NextInt64(long.MinValue, long.MaxValue)) & ~0xFFul;
                using OathKey key = OathKey.Create(algorithm, secret);
                uint[] expected =
                    [.. Enumerable.Range(0, 17).Select(i => OtpNetOracle.Value(algorithm, secret, counter + (ulong)i))];

                foreach (LaneWidth width in Widths.Here)
                {
                    var values = default(ValueGroup);
                    HotpValues.Fill(key, counter, expected.Length, width, ref values);
                    if (!((ReadOnlySpan<uint>)values)[..expected.Length].SequenceEqual(expected))
                        Assert.Fail(TestSeed.Note($"{algorithm}, {length}-byte secret, counter {counter}, {width}"));
                }
            }
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public void Every_number_of_digits_is_matched_as_by_division(int digits)
    {
        var random = new Random(TestSeed.Value);
        ulong power = Hotp.PowerOfTen(digits);
        var values = default(ValueGroup);
        for (int round = 0; round < 20_000; round++)
        {
            ulong typed = (ulong)random.NextInt64((long)power);
            for (int i = 0; i < ValueGroup.Size; i++)
                values[i] = Neighbour(random, typed, power);
            Assert.True(OtpCode.TryParse(Text(typed, digits), digits, out OtpCode code));
            ulong expected = 0;
            for (int i = 0; i < ValueGroup.Size; i++)
                expected |= values[i] % power == typed ? 1ul << i : 0;

            var match = new CodeMatch(code);
            int count = random.Next(1, ValueGroup.Size + 1);
            ulong wanted = expected & (ulong.MaxValue >> (64 - count));
            ulong byFour = match.By4(ref values, count) & (ulong.MaxValue >> (64 - count));
            if (match.Among(ref values, count) != wanted || byFour != wanted)
                Assert.Fail(TestSeed.Note($"{digits} digits, code {typed}, {count} values"));
        }
    }

    [Fact]
    public void The_inverses_of_the_powers_of_five_multiply_back_to_one()
    {
        uint power = 1;
        foreach (uint inverse in CodeMatch.InversesOfPowersOfFive)
        {
            Assert.Equal(1u, unchecked(power * inverse));
            power = unchecked(power * 5);
        }
    }

    [Fact]
    public void Nine_and_ten_digits_are_found_in_a_window_too()
    {
        var random = new Random(TestSeed.Value);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] secret = new byte[20];
            random.NextBytes(secret);
            ulong counter = (ulong)random.NextInt64();
            int digits = 9 + i % 2;
            using OathKey key = OathKey.Create(OathAlgorithm.Sha1, secret);
            uint value = OtpNetOracle.Value(OathAlgorithm.Sha1, secret, counter + 3);
            ulong number = value % Hotp.PowerOfTen(digits);

            Assert.Equal((uint)number, Hotp.Compute(key, counter + 3, digits));
            Assert.True(OtpCode.TryParse(Text(number, digits), digits, out OtpCode code));
            Assert.True(LookAheadWindow.TryMatch(key, counter, lookAhead: 9, code, out ulong matched));
            Assert.Equal(counter + 3, matched);
        }
    }

    /// <summary>Values that match, ones next to them, and ones below the code, where the difference wraps.</summary>
    private static uint Neighbour(Random random, ulong typed, ulong power)
    {
        ulong highest = typed > int.MaxValue ? 0 : (int.MaxValue - typed) / power;
        long value = (long)(typed + (ulong)random.NextInt64((long)highest + 1) * power);
        value += random.Next(4) switch { 0 => 0, 1 => -1, 2 => random.Next(-40, 40) * (long)power / 2, _ => 1 };
        return value is >= 0 and <= int.MaxValue ? (uint)value : (uint)random.Next();
    }

    private static string Text(ulong number, int digits) =>
        number.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(digits, '0');
}
