using System.Text;

namespace Pskc.Tests;

/// <summary>Files made to hurt their reader.</summary>
public class HostileFileTests
{
    private const string Root = "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">";

    [Theory]
    [InlineData("<!DOCTYPE KeyContainer SYSTEM \"http://127.0.0.1:1/x.dtd\">")]
    [InlineData("<!DOCTYPE KeyContainer [<!ENTITY a \"b\">]>")]
    [InlineData("<!DOCTYPE KeyContainer [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>")]
    [InlineData("<!DOCTYPE KeyContainer [<!ENTITY % p SYSTEM \"file:///etc/passwd\"> %p;]>")]
    public void A_DOCTYPE_is_refused_before_anything_in_it_is_looked_at(string doctype) =>
        Assert.Equal(PskcFault.DtdForbidden, Containers.Refused(doctype + Root + "</KeyContainer>").Fault);

    [Fact]
    public void An_entity_nobody_declared_is_refused() =>
        Assert.Equal(PskcFault.NotXml, Containers.Refused(Containers.WithKey("<Issuer>&xxe;</Issuer>")).Fault);

    [Fact]
    public void Elements_that_nest_too_deep_are_refused()
    {
        var deep = Root + string.Concat(Enumerable.Repeat("<Extensions>", 100_000));

        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(deep).Fault);
        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(Containers.WithKey(
            string.Concat(Enumerable.Repeat("<x xmlns=\"urn:x\">", 100)) + string.Concat(Enumerable.Repeat("</x>", 100)))).Fault);
    }

    [Fact]
    public void A_signed_file_that_nests_too_deep_never_becomes_a_document()
    {
        using var ca = new TestCa();
        var deep = Root + string.Concat(Enumerable.Repeat("<a>", 200_000));

        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(deep, new() { TrustAnchors = [ca.Root] }).Fault);
    }

    [Theory]
    [InlineData("<KeyContainer Version=\"{0}\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"/>")]
    [InlineData("<!--{0}--><KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"/>")]
    [InlineData("<?pi {0}?><KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"/>")]
    [InlineData("<K{0} xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"/>")]
    [InlineData("<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><Key Id=\"1\"><Issuer>{0}</Issuer></Key></KeyPackage></KeyContainer>")]
    [InlineData("<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><Key Id=\"1\"><Extensions>{0}</Extensions></Key></KeyPackage></KeyContainer>")]
    public void Nothing_huge_is_ever_whole_in_memory(string form)
    {
        var hole = form.IndexOf("{0}", StringComparison.Ordinal);
        using var endless = new EndlessStream(Encoding.UTF8.GetBytes(form[..hole]), (byte)'A');
        var before = GC.GetTotalAllocatedBytes();

        var fault = Assert.Throws<PskcException>(() =>
        {
            using var reader = PskcReader.Open(endless, new PskcReadOptions());
            return reader.ReadKeyPackages().Count();
        });

        Assert.Equal(PskcFault.LimitExceeded, fault.Fault);
        Assert.True(GC.GetTotalAllocatedBytes() - before < 64 << 20, "the bound let too much through");
    }

    [Fact]
    public void A_million_different_names_do_not_fill_memory()
    {
        var text = new StringBuilder(Root);
        for (var i = 0; i < 100_000; i++)
        {
            text.Append("<n").Append(i).Append("/>");
        }

        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(text + "</KeyContainer>").Fault);
    }

    [Fact]
    public void The_file_has_a_size_the_keys_a_number_and_a_package_a_measure()
    {
        using var none = ContainerProtection.None();
        var file = Containers.Write(new() { Protection = none }, Enumerable.Range(1, 20).Select(i => Containers.Hotp($"S{i}")));
        var many = Containers.WithKey("").Replace("</KeyPackage>", string.Concat(Enumerable.Range(2, 70).Select(i => $"<Key Id=\"{i}\"/>")) + "</KeyPackage>", StringComparison.Ordinal);

        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(file, new() { Limits = new() { MaxFileBytes = 2000 } }).Fault);
        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(file, new() { Limits = new() { MaxKeys = 19 } }).Fault);
        Assert.Equal(20, Containers.Read(file, new() { Limits = new() { MaxKeys = 20 } }).Count);
        Assert.Equal(PskcFault.LimitExceeded, Containers.Refused(many).Fault);
    }

    [Theory]
    [InlineData("10000001", "16", PskcFault.LimitExceeded)]
    [InlineData("99999999999999999999", "16", PskcFault.BadValue)]
    [InlineData("0", "16", PskcFault.BadStructure)]
    [InlineData("-1", "16", PskcFault.BadValue)]
    [InlineData("1000", "1000000000", PskcFault.BadValue)]
    [InlineData("1000", "0", PskcFault.BadValue)]
    public void A_passphrase_derivation_that_asks_too_much_is_refused_before_it_is_begun(string iterations, string length, PskcFault fault)
    {
        var file = Root + $"""
            <EncryptionKey><DerivedKey xmlns="http://www.w3.org/2009/xmlenc11#">
            <KeyDerivationMethod Algorithm="http://www.w3.org/2009/xmlenc11#pbkdf2"><PBKDF2-params>
            <Salt><Specified>AAAA</Specified></Salt><IterationCount>{iterations}</IterationCount><KeyLength>{length}</KeyLength>
            </PBKDF2-params></KeyDerivationMethod></DerivedKey></EncryptionKey></KeyContainer>
            """;

        Assert.Equal(fault, Containers.Refused(file).Fault);
    }

    [Fact]
    public void Warnings_are_kept_only_so_many()
    {
        using var none = ContainerProtection.None();
        var file = Containers.Write(new() { Protection = none }, Enumerable.Range(1, 50).Select(i => Containers.Hotp($"S{i}", counter: null)));

        Containers.Read(file, new() { Limits = new() { MaxWarnings = 7 } }, out _, out var warnings);

        Assert.Equal(7, warnings.Count);
    }

    [Fact]
    public void A_stream_that_fails_is_a_fault_of_its_own()
    {
        using var broken = new EndlessStream("<KeyContainer "u8.ToArray(), (byte)' ', failAfter: 100);

        Assert.Equal(PskcFault.Unreadable,
            Assert.Throws<PskcException>(() => PskcReader.Open(broken, new PskcReadOptions())).Fault);
    }

    /// <summary>Some octets, then one octet without end, or until it breaks.</summary>
    private sealed class EndlessStream(byte[] start, byte filler, int failAfter = int.MaxValue) : Stream
    {
        private int given;

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (given >= failAfter)
            {
                throw new IOException("the disk is gone");
            }
            for (var i = 0; i < count; i++, given++)
            {
                buffer[offset + i] = given < start.Length ? start[given] : filler;
            }
            return count;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
