using OathServer.Storage;
using OathServer.Tests.Tidy;
using OathServer.Validation.Pins;

namespace OathServer.Tests.Validation.Pins;

/// <summary>PINs as the old servers store them, made by the libraries these servers use (<c>make-pin-hashes.py</c>).</summary>
public class PinHashTests
{
    /// <summary>What, PIN, hash and seed of each line of the file.</summary>
    public static TheoryData<string, string, string, string> Vectors
    {
        get
        {
            var data = new TheoryData<string, string, string, string>();
            foreach (var cells in File.ReadAllLines(Path.Combine(SourceTree.Root, "tests/OathServer.Tests/Validation/Pins/pin-hashes.tsv"))
                .Where(line => !line.StartsWith('#')).Select(line => line.Split('\t')))
            {
                data.Add(cells[0], cells[1], cells[2], cells[3]);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_right_PIN_and_no_other_fits_a_hash_of_the_old_server(string what, string pin, string hash, string seed)
    {
        var read = PinHash.OfPasslib(hash) ?? PinHash.OfSaltedSha256(hash, seed);

        Assert.True(read is { IsForeign: true }, what);
        Assert.True(read.Is(pin), what);
        Assert.False(read.Is(pin + "0"), what);
        Assert.False(read.Is(pin.Length == 0 ? "1234" : ""), what);
        Assert.True(PinHash.Opened(read.Scheme, read.ToSeal()).Is(pin), what);
    }

    [Fact]
    public void A_PIN_set_here_fits_its_hash_and_an_empty_one_never_does()
    {
        var hash = PinHash.Of("Grüße-9");

        Assert.Equal((PinScheme.Own, false), (hash.Scheme, hash.IsForeign));
        Assert.True(hash.Is("Grüße-9"));
        Assert.False(hash.Is("Grüsse-9"));
        Assert.False(PinHash.Of("").Is(""));
        Assert.DoesNotContain("Gr", hash.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1234")]
    [InlineData("$argon2id$v=19$m=102400,t=9,p=8$Qsj5X2sNIYRwrrW2ds5ZSw")]
    [InlineData("$argon2id$v=20$m=102400,t=9,p=8$Qsj5X2sNIYRwrrW2ds5ZSw$KKAvgLNJxf2SyD8JO1IsbQ")]
    [InlineData("$argon2id$v=19$m=4000000,t=9,p=8$Qsj5X2sNIYRwrrW2ds5ZSw$KKAvgLNJxf2SyD8JO1IsbQ")]
    [InlineData("$argon2id$v=19$m=102400,t=999,p=8$Qsj5X2sNIYRwrrW2ds5ZSw$KKAvgLNJxf2SyD8JO1IsbQ")]
    [InlineData("$argon2id$v=19$m=8,t=1,p=8$Qsj5X2sNIYRwrrW2ds5ZSw$KKAvgLNJxf2SyD8JO1IsbQ")]
    [InlineData("$argon2x$v=19$m=102400,t=9,p=8$Qsj5X2sNIYRwrrW2ds5ZSw$KKAvgLNJxf2SyD8JO1IsbQ")]
    [InlineData("$pbkdf2-sha512$9999999$4lzr/f8fw3gvRWjtvTemtA$/gj1Q8FDA2uCMO0oj7PNmZRQlg8F9gIdEj/dchmK76vSIiber9C2hbPdV1rDExoRh0rDm4bys1svMXLebzgZHw")]
    [InlineData("$pbkdf2-sha512$25000$4lzr/f8fw3gvRWjtvTemtA$/gj1Q8FDA2uCMO0oj7PNmZRQlg8F9gIdEj/dchmK76v")]
    [InlineData("$pbkdf2-sha1$25000$4lzr/f8fw3gvRWjtvTemtA$/gj1Q8FDA2uCMO0oj7PNmZRQlg8")]
    [InlineData("@@0fd1bea2311bce760b7ed7a4eb8eea0d")]
    public void What_is_no_such_hash_or_asks_for_too_much_is_not_read(string text)
    {
        Assert.Null(PinHash.OfPasslib(text));
        Assert.Null(PinHash.OfSaltedSha256(text, "00ff"));
    }

    [Theory]
    [InlineData("1234123456", false, "1234", "123456")]
    [InlineData("123456", false, "", "123456")]
    [InlineData("12345", false, "", "12345")]
    [InlineData("1234ubhe05174211755224", true, "1234", "755224")]
    [InlineData("1234ubhe05174211755224", false, "1234ubhe05174211", "755224")]
    [InlineData("ubhe05174211755224", true, "", "755224")]
    public void What_was_typed_is_parted_into_PIN_and_code(string typed, bool identifiers, string pin, string code) =>
        Assert.Equal((pin, code), PinAndCode.Part(typed, 6, identifiers));

    [Fact]
    public async Task Whoever_is_of_one_number_waits_in_line_and_nobody_else()
    {
        var turns = new Turns();
        var first = await turns.EnterAsync(1, TimeSpan.FromSeconds(5), Cancel);
        using (var other = await turns.EnterAsync(2, TimeSpan.FromSeconds(5), Cancel))
        {
            Assert.NotNull(other);
        }

        var waiting = turns.EnterAsync(1, TimeSpan.FromSeconds(30), Cancel);
        Assert.Null(await turns.EnterAsync(1, TimeSpan.FromMilliseconds(20), Cancel));
        Assert.False(waiting.IsCompleted);
        first!.Dispose();
        (await waiting)!.Dispose();

        Assert.Equal(0, turns.Count);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
