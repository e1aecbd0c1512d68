using System.Globalization;
using System.Text;
using Oath.Lanes;

namespace Oath.Tests;

public sealed class RfcVectorTests
{
    private const string Digits = "1234567890123456789012345678901234567890123456789012345678901234";

    public static TheoryData<string> EveryWidth() => new(Widths.Here.Select(width => width.ToString()));

    [Theory, MemberData(nameof(EveryWidth))]
    public void Each_value_of_RFC_4226_appendix_D_is_computed_at_its_counter(string widthName)
    {
        var width = Enum.Parse<LaneWidth>(widthName);
        using OathKey key = Key(OathAlgorithm.Sha1, length: 20);
        var values = default(ValueGroup);
        IReadOnlyList<string[]> vectors = VectorFile.Read("rfc4226-appendix-d.txt", count: 10);

        HotpValues.Fill(key, 0, vectors.Count, width, ref values);

        for (int i = 0; i < vectors.Count; i++)
        {
            Assert.Equal(vectors[i][1], values[i].ToString(CultureInfo.InvariantCulture));
            Assert.Equal(vectors[i][2], Hotp.Format(Hotp.Compute(key, (ulong)i, digits: 6), digits: 6));
            Assert.True(OtpCode.TryParse(vectors[i][2], digits: 6, out OtpCode code));
            Assert.True(LookAheadWindow.TryMatch(key, 0, lookAhead: 9, code, width, out ulong matched));
            Assert.Equal((ulong)i, matched);
        }
    }

    [Theory, MemberData(nameof(EveryWidth))]
    public void Each_code_of_RFC_6238_appendix_B_is_found_at_its_step(string widthName)
    {
        var width = Enum.Parse<LaneWidth>(widthName);
        foreach (string[] vector in VectorFile.Read("rfc6238-appendix-b.txt", count: 18))
        {
            var algorithm = Enum.Parse<OathAlgorithm>(vector[1]);
            using OathKey key = Key(
                algorithm,
                length: algorithm switch { OathAlgorithm.Sha1 => 20, OathAlgorithm.Sha256 => 32, _ => 64 });
            var time = DateTimeOffset.FromUnixTimeSeconds(long.Parse(vector[0], CultureInfo.InvariantCulture));
            ulong step = Totp.StepAt(time, periodSeconds: 30);

            Assert.Equal(vector[2], Hotp.Format(Hotp.Compute(key, step, digits: 8), digits: 8));
            Assert.True(OtpCode.TryParse(vector[2], digits: 8, out OtpCode code));
            Assert.True(LookAheadWindow.TryMatch(key, step - 1, lookAhead: 2, code, width, out ulong matched));
            Assert.Equal(step, matched);
            Assert.True(Totp.TryMatch(
                key, step + 3, drift: -2, stepsBack: 1, stepsAhead: 1, firstAllowedStep: 0, code, out matched));
            Assert.Equal(step, matched);
        }
    }

    private static OathKey Key(OathAlgorithm algorithm, int length) =>
        OathKey.Create(algorithm, Encoding.ASCII.GetBytes(Digits).AsSpan(0, length));
}
