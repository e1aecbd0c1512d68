using System.Text;

namespace Oath.Tests;

public sealed class OtpCodeTests
{
    [Theory]
    [InlineData("755224", 6)]
    [InlineData("000000", 6)]
    [InlineData("0123456789", 10)]
    [InlineData("9999999999", 10)]
    public void A_code_is_its_digits(string text, int digits)
    {
        Assert.True(OtpCode.TryParse(text, digits, out OtpCode code));
        Assert.True(OtpCode.TryParse(Encoding.UTF8.GetBytes(text), digits, out OtpCode same));

        Assert.Equal(code, same);
        Assert.Equal(digits, code.Digits);
    }

    [Theory]
    [InlineData("")]
    [InlineData("75522")]
    [InlineData("7552240")]
    [InlineData("755224\n")]
    [InlineData("75522\n")]
    [InlineData(" 75522")]
    [InlineData("75522 ")]
    [InlineData("755 224")]
    [InlineData("+75522")]
    [InlineData("-75522")]
    [InlineData("0x7552")]
    [InlineData("7,5224")]
    [InlineData("75522/")]
    [InlineData("75522:")]
    [InlineData("75522\0")]
    [InlineData("\u0667\u0665\u0665\u0662\u0662\u0664")]   // Arabic
    [InlineData("\uFF17\uFF15\uFF15\uFF12\uFF12\uFF14")]   // full width
    [InlineData("75522²")]
    [InlineData("75522\uD835")]
    public void Anything_but_exactly_the_digits_is_refused(string text)
    {
        Assert.False(OtpCode.TryParse(text, digits: 6, out OtpCode code));
        Assert.Equal(default, code);
        Assert.False(OtpCode.TryParse(Encoding.UTF8.GetBytes(text), digits: 6, out code));
        Assert.Equal(default, code);
    }

    [Fact]
    public void Every_single_character_but_the_ten_digits_is_refused()
    {
        Span<char> text = stackalloc char[6];
        "755224".CopyTo(text);
        int accepted = 0;
        for (int character = 0; character <= char.MaxValue; character++)
        {
            text[3] = (char)character;
            accepted += OtpCode.TryParse(text, digits: 6, out _) ? 1 : 0;
        }

        Assert.Equal(10, accepted);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(11)]
    public void Fewer_than_six_or_more_than_ten_digits_are_nothing_to_ask_for(int digits) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => OtpCode.TryParse(new string('1', digits), digits, out _));

    [Fact]
    public void A_code_does_not_print_itself()
    {
        Assert.True(OtpCode.TryParse("755224", digits: 6, out OtpCode code));
        Assert.DoesNotContain("755224", $"{code}", StringComparison.Ordinal);
    }

    [Fact]
    public void Codes_are_printed_with_their_leading_zeros()
    {
        Assert.Equal("000042", Hotp.Format(42, digits: 6));
        Assert.Equal("2147483647", Hotp.Format(int.MaxValue, digits: 10));
        Assert.False(Hotp.TryFormat(42, digits: 6, new char[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Hotp.Format(1_000_000, digits: 6));
    }
}
